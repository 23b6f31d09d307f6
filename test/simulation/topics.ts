// The topics of a run, by name.

/** Is there all the time; only grows. */
export const steady = 'steady';
/** Is deleted and made again. */
export const fleeting = 'fleeting';
