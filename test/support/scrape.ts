// Sums of a server's metrics.

/** Of all samples of `name` whose labels are among those given. */
export async function scrapeSum(url: string, name: string, labels: Readonly<Record<string, readonly string[]>> = {}): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([label, values]) => values.some((value) => line.includes(`${label}="${value}"`))))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
