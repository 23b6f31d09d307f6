// Sets of numbers as short text, such as "1-40,42".

export function toRanges(numbers: Iterable<number>): string {
  const ranges: [from: number, to: number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

export function fromRanges(text = ''): Set<number> {
  const numbers = new Set<number>();
  for (const range of text.split(',').filter((one) => one !== '')) {
    const [from = 0, to = from] = range.split('-').map(Number);
    for (let number = from; number <= to; number++) numbers.add(number);
  }
  return numbers;
}
