// What TLC is asked: the model of docs/spec in bounds that it can go through, where it must hold, and with a defect
// planted, where an invariant must be refuted.

export type Model = {
  readonly name: string;
  readonly module: 'CommitLog' | 'Split' | 'Topics';
  /** Constants, each as TLA+. */
  readonly constants: Readonly<Record<string, string>>;
  readonly invariants: readonly string[];
  /** Of these one must be refuted; undefined: all must hold. */
  readonly refutes?: readonly string[];
  /** Too long for the short run. */
  readonly long?: boolean;
};

type Bounds = {
  readonly partitions?: number;
  /** Producer and sequence of each commit; 0: no producer. */
  readonly producers: readonly number[];
  readonly sequences?: readonly number[];
  /** 99: none. */
  readonly expected?: readonly number[];
  readonly epochs?: number;
  /** Objects that a compactor may make. */
  readonly segments?: number;
  readonly tail?: number;
  readonly reader?: boolean;
  /** Producers may leave the head by a rotation. */
  readonly rides?: boolean;
  readonly deletes?: boolean;
};

const invariants = ['Dense', 'NoDup', 'InOrder', 'AckTrue', 'FailTrue', 'ExpTrue', 'DelTrue', 'Readable', 'ReaderOK', 'NoUnexpectedReject'];
const none = 99;
const sequence = (values: readonly number[]): string => `<<${values.join(', ')}>>`;
const set = (values: readonly (string | number)[]): string => `{${values.map((value) => (typeof value === 'string' ? `"${value}"` : value)).join(', ')}}`;
const upTo = (count: number, from: number): number[] => Array.from({ length: count }, (_, i) => from + i);

function commitLog(
  { partitions = 1, producers, sequences, expected, epochs = 1, segments = 0, tail = 2, reader = false, rides = false, deletes = false }: Bounds,
  bug?: string,
): Pick<Model, 'module' | 'constants' | 'invariants'> {
  const constants = {
    Parts: set(upTo(partitions, 1).map((number) => `p${number}`)),
    Objs: set(upTo(producers.length, 1)),
    PidOf: sequence(producers),
    SeqOf: sequence(sequences ?? producers.map(() => 1)),
    ExpOf: sequence(expected ?? producers.map(() => none)),
    NEpoch: String(epochs),
    L1s: set(upTo(segments, 101)),
    KMax: String(tail),
    Deletes: String(deletes).toUpperCase(),
    Rides: String(rides).toUpperCase(),
    Reader: String(reader).toUpperCase(),
    RP: '"p1"',
    Bugs: set(bug === undefined ? [] : [bug]),
  };
  return { module: 'CommitLog', constants, invariants };
}

const holds = (name: string, bounds: Bounds, long = false): Model => ({ name, ...commitLog(bounds), long });
const broken = (name: string, bug: string, bounds: Bounds, ...refutes: string[]): Model => ({ name, ...commitLog(bounds, bug), refutes });
const split = (newId: boolean): Pick<Model, 'module' | 'constants' | 'invariants'> => ({ module: 'Split', constants: { NewCid: String(newId).toUpperCase() }, invariants: ['NoDup'] });

const topics = (again: number, bug?: string): Pick<Model, 'module' | 'constants' | 'invariants'> => ({
  module: 'Topics',
  constants: { Ids: set([1, 2]), Again: String(again), Bugs: set(bug === undefined ? [] : [bug]) },
  invariants: ['NamedWhole', 'NameKept', 'NoReturn', 'NoLate', 'NothingLost'],
});

const two = { producers: [0, 0] };

export const models: readonly Model[] = [
  holds('three commits race', { producers: [0, 0, 0] }, true),
  holds('two commits and a compactor', { ...two, segments: 1 }),
  holds('compaction and collection', { ...two, epochs: 2, segments: 1 }, true),
  holds('collection by epochs', { ...two, epochs: 2 }),
  holds('one object in two partitions', { partitions: 2, producers: [0], epochs: 2 }),
  holds('merging segments', { ...two, segments: 3, tail: 1 }, true),
  holds('a reader beside the compactor', { ...two, segments: 1, tail: 1, reader: true }, true),
  holds('a producer whose request is sent twice', { producers: [7, 7, 7], sequences: [1, 1, 2] }, true),
  holds('a producer that leaves with a rotation', { producers: [7, 7], rides: true }),
  holds('a producer that goes on after it left', { producers: [7, 7, 7], sequences: [1, 2, 2], rides: true, tail: 1 }, true),
  holds('two producers', { producers: [7, 7, 8] }, true),
  holds('a producer and collection', { producers: [7, 7], epochs: 2 }, true),
  holds('an expected offset at the start', { producers: [0, 0], expected: [0, none] }),
  holds('an expected offset that the log comes to', { producers: [0, 0, 0], expected: [1, none, none] }),
  holds('two that expect the same offset', { producers: [0, 0, 0], expected: [0, 0, none] }, true),
  holds('a topic that is deleted', { ...two, deletes: true }),
  holds('a topic that is deleted, and an expected offset', { ...two, expected: [1, none], deletes: true }),
  { name: 'two topics made and deleted under one name', ...topics(6) },
  { name: 'a commit that is split', ...split(false) },
  broken('no window fence', 'nopin', two, 'NoDup'),
  broken('no look at the ids', 'nodedupe', two, 'NoDup'),
  broken('rotation before the seal', 'rotnoseal', two, 'Readable', 'AckTrue', 'Dense'),
  broken('rotation without its number', 'trimnocond', two, 'Readable'),
  broken('search that takes a gap for absence', 'repin', { ...two, segments: 1 }, 'NoDup'),
  broken('no producer in the condition', 'noproducer', { producers: [7, 7] }, 'NoDup', 'AckTrue'),
  broken('a producer evicted from within the window', 'evictnowin', { producers: [7, 7] }, 'NoDup', 'AckTrue', 'NoUnexpectedReject'),
  broken('a producer that leaves with a rotation too early', 'rideearly', { producers: [7, 7], rides: true }, 'NoDup', 'AckTrue', 'NoUnexpectedReject'),
  broken('a producer that leaves before it is spilled', 'evictfirst', { producers: [7, 7] }, 'NoDup', 'AckTrue', 'NoUnexpectedReject'),
  broken('a spilled state that is read before the head', 'earlyS', { producers: [7, 7] }, 'NoDup', 'AckTrue', 'NoUnexpectedReject'),
  broken('a spill that goes back', 'spillback', { producers: [7, 7, 7], sequences: [1, 2, 2] }, 'NoDup', 'AckTrue', 'InOrder', 'NoUnexpectedReject'),
  broken('no fence for epochs', 'gcnofence', { ...two, epochs: 2 }, 'Readable'),
  broken('an epoch deleted when one partition is clean', 'gconepart', { partitions: 2, producers: [0], epochs: 2 }, 'Readable'),
  broken('one namespace for runs and segments', 'onens', { ...two, epochs: 2, segments: 1 }, 'Readable'),
  broken('a swap in two writes', 'swap2', { ...two, segments: 1 }, 'Readable'),
  broken('a swap without its intent', 'nointent', { ...two, segments: 1 }, 'Readable'),
  { ...broken('a merge without its conditions', 'mergenocond', { ...two, segments: 3, tail: 1 }, 'Readable', 'Dense'), long: true },
  broken('a reader that skips a gap', 'gapskip', { ...two, segments: 1, tail: 1, reader: true }, 'ReaderOK'),
  broken('no expected offset in the condition', 'noexp', { producers: [0, 0], expected: [0, none] }, 'ExpTrue'),
  broken('an expected offset sent before the log is there', 'sendbeyond', { producers: [0, 0], expected: [1, none] }, 'FailTrue'),
  broken('a mismatch told before the ids are looked at', 'expfirst', { producers: [0, 0], expected: [0, none] }, 'FailTrue'),
  broken('no look at the deletion', 'nodl', { ...two, deletes: true }, 'DelTrue', 'FailTrue'),
  broken('a deletion answered before heads refuse', 'answerearly', { ...two, deletes: true }, 'DelTrue'),
  { name: 'heads made without a look at the topic', ...topics(1, 'headsalways'), refutes: ['NothingLost', 'NoLate'] },
  { name: 'a name taken away from whoever has it', ...topics(0, 'unnameany'), refutes: ['NameKept'] },
  { name: 'no tombstone: a creation carried out again as a whole', ...topics(3, 'forget'), refutes: ['NamedWhole', 'NameKept', 'NoLate', 'NoReturn'] },
  { name: 'a topic forgotten before its heads', ...topics(0, 'forgetfirst'), refutes: ['NothingLost'] },
  { name: 'no look at the deletion by a server that remembers', ...topics(0, 'nodl'), refutes: ['NoLate'] },
  { name: 'a split under a new id', ...split(true), refutes: ['NoDup'] },
];
