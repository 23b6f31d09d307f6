// wadi audit: whether everything that a data folder lists is there, whole.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, exit, Usage } from './command.ts';
import { startMeter } from './meter.ts';

const interrupted = new Error('interrupted');

export const auditCommand: Command = {
  name: 'audit',
  summary: 'read all of a data folder and check that every record is there, whole',
  positionals: 'FOLDER',
  count: [1, 1],
  options: {},
  notes:
    'The server of the folder must be stopped: the folder is opened and closed as a server would, which finishes what an earlier one left to be done. Prints a line for each problem, with its partition and offset; exits 5 if there was any.',
  examples: ['wadi audit ./data'],
  async run(given, terminal) {
    const [folder] = given.positionals as [string];
    if (!existsSync(join(folder, 'format'))) throw new Usage(`${folder} is no data folder of Wadi: it has no file "format". Give the folder that the server was started with as --data.`);
    const { auditFolder, AuditImpossible } = await import('../server/audit.ts');
    const meter = startMeter(terminal, 'records');
    try {
      const { counts, findings } = await auditFolder(folder, {
        finding: ({ place, problem }) => terminal.print(`${place}: ${problem}\n`),
        progress({ records }) {
          if (terminal.interrupted.aborted) throw interrupted;
          meter.update(records);
        },
      });
      meter.end(counts.records);
      const { topics, partitions, payloads, records, bytes } = counts;
      const told = `${topics.toLocaleString('en')} topics, ${partitions.toLocaleString('en')} partitions, ${records.toLocaleString('en')} records in ${payloads.toLocaleString('en')} pieces of ${bytes.toLocaleString('en')} bytes`;
      await terminal.print(findings === 0 ? `${told}: every record is there\n` : `${told}: ${findings.toLocaleString('en')} problems\n`);
      return findings === 0 ? exit.ok : exit.damaged;
    } catch (error) {
      if (error === interrupted) return exit.interrupted;
      if (!(error instanceof AuditImpossible)) throw error;
      terminal.say(error.message);
      return exit.refused;
    }
  },
};
