// The text format of Prometheus, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). It is this
// simple, and a library that counts for us would cost more for each request than the counting itself.

export type Sample = { readonly labels?: Readonly<Record<string, string | number>>; readonly value: number /** Of histograms: `_bucket`, `_sum`, `_count`. */; readonly suffix?: string };

export type Family = { readonly name: string; readonly type: 'counter' | 'gauge' | 'histogram'; readonly help: string; readonly samples: readonly Sample[] };

export function exposition(families: readonly Family[]): string {
  return families
    .map(
      ({ name, type, help, samples }) => `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${samples.map((sample) => lineOf(name, sample)).join('')}`,
    )
    .join('');
}

function lineOf(name: string, { labels = {}, value, suffix = '' }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text))}"`);
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}\n`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** The samples of a histogram of which each bucket's own count is known; `bounds` has one fewer than `counts`. */
export function histogramSamples(bounds: readonly number[], counts: readonly number[], sum: number, labels: Readonly<Record<string, string>> = {}): Sample[] {
  let total = 0;
  const buckets = counts.map((count, i): Sample => {
    total += count;
    return { suffix: '_bucket', labels: { ...labels, le: i < bounds.length ? String(bounds[i]) : '+Inf' }, value: total };
  });
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }];
}
