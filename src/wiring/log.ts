// The log of a server: a line for each event on standard error, as JSON for machines or as text for people.

export const logLevels = ['error', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

type Facts = Readonly<Record<string, string | number>>;

export type Log = {
  /** Whether events of this level are written. */
  takes(level: LogLevel): boolean;
  write(level: LogLevel, event: string, facts: Facts): void;
};

/** @param print takes a line with its end */
export function createLog(level: LogLevel, format: LogFormat, print: (line: string) => void): Log {
  const takes = (given: LogLevel): boolean => logLevels.indexOf(given) <= logLevels.indexOf(level);
  return {
    takes,
    write(given, event, facts) {
      if (!takes(given)) return;
      const time = new Date().toISOString();
      print(format === 'json' ? `${JSON.stringify({ time, level: given, event, ...facts })}\n` : `${time} ${given} ${event}${textOf(facts)}\n`);
    },
  };
}

const textOf = (facts: Facts): string =>
  Object.entries(facts)
    .map(([name, value]) => ` ${name}=${/^[\w./:+-]+$/.test(String(value)) ? value : JSON.stringify(value)}`)
    .join('');

export const silent: Log = { takes: () => false, write: () => {} };
