// What goes on behind answers, such as a rotation. If it is lost, somebody does it later; it is better not lost.

export type Background = {
  /** Does not wait. @param work that does not reject */
  add(work: Promise<unknown>): void;
  /** Resolves when nothing is under way any more; undefined: nothing is. */
  idle(): Promise<unknown> | undefined;
};

export function createBackground(): Background {
  const underWay = new Set<Promise<unknown>>();
  return {
    add(work) {
      underWay.add(work);
      void work.then(() => underWay.delete(work));
    },
    idle: () => (underWay.size === 0 ? undefined : Promise.all(underWay)),
  };
}
