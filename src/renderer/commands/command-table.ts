/** What can be done by key, palette or menu: declared here, run by whoever shows it (`useCommands`). */
export interface Command {
  readonly label: string;
  /** Keys unless a person changed them: `j`, `g h` (one after the other), `mod+k` (Ctrl or Cmd); null = none. */
  readonly keys: string | null;
  /** Page on which it can be done; null = everywhere. */
  readonly page: string | null;
}

const everywhere = (label: string, keys: string | null): Command => ({ label, keys, page: null });
const audit = (label: string, keys: string | null): Command => ({ label, keys, page: 'pairs' });

const reading = (label: string, keys: string | null): Command => ({ label, keys, page: 'documents' });

const evaluating = (label: string, keys: string | null): Command => ({ label, keys, page: 'evaluate' });

export const commandTable = {
  'palette.open': everywhere('Commands', 'mod+k'),
  'keys.show': everywhere('Keys of this page', '?'),
  'jobs.toggle': everywhere('Show or hide the jobs', 'g j'),
  'colours.toggle': everywhere('Light or dark colours', null),
  'tour.show': everywhere('Tour of the first steps', null),
  'go.home': everywhere('Go to Home', 'g h'),
  'go.models': everywhere('Go to Models', 'g m'),
  'go.documents': everywhere('Go to Documents', 'g d'),
  'go.generate': everywhere('Go to Generate', 'g g'),
  'go.pairs': everywhere('Go to Pairs', 'g p'),
  'go.agreement': everywhere('Go to Agreement', 'g a'),
  'go.train': everywhere('Go to Train', 'g t'),
  'go.runs': everywhere('Go to Runs', 'g r'),
  'go.compare': everywhere('Go to Compare', 'g c'),
  'go.evaluate': everywhere('Go to Evaluate', 'g e'),
  'go.system': everywhere('Go to System', 'g s'),
  'runs.compare': { label: 'Compare this run with others', keys: 'c', page: 'runs' },
  'compare.choose': { label: 'Choose the runs to compare', keys: 'a', page: 'compare' },
  'compare.clear': { label: 'Take all runs out of the comparison', keys: null, page: 'compare' },
  'compare.differences': { label: 'Only settings that differ, or all', keys: 'd', page: 'compare' },
  'compare.export': { label: 'Save the compared curves as CSV', keys: null, page: 'compare' },
  'evaluate.next': evaluating('Next item', 'j'),
  'evaluate.previous': evaluating('Previous item', 'k'),
  'evaluate.flipped': evaluating('Only items that flipped, or all', 'f'),
  'evaluate.next_evidence': evaluating('Next place of the evidence', 'n'),
  'documents.find': reading('Find in the document', '/'),
  'documents.next_hit': reading('Next place found', 'n'),
  'documents.previous_hit': reading('Previous place found', 'b'),
  'pairs.a_better': audit('A is better', '1'),
  'pairs.b_better': audit('B is better', '2'),
  'pairs.both_good': audit('Both are good', '3'),
  'pairs.both_bad': audit('Both are bad', '4'),
  'pairs.broken_instruction': audit('The instruction is broken', '5'),
  'pairs.edit': audit('Edit the texts', 'e'),
  'pairs.skip': audit('Skip', 's'),
  'pairs.comment': audit('Comment', 'c'),
  'pairs.undo': audit('Undo', 'z'),
  'pairs.next': audit('Next pair', 'j'),
  'pairs.previous': audit('Previous pair', 'k'),
  'pairs.blind': audit('Blind mode on or off', 'b'),
  'pairs.differences': audit('Mark differences or not', 'd'),
  'pairs.evidence': audit('Mark evidence or not', 'v'),
  'pairs.next_evidence': audit('Next evidence in the chunk', 'n'),
  'pairs.reader': audit('Open the document at the chunk', 'o'),
  'pairs.search': audit('Search', '/'),
  'pairs.filters': audit('Filters', 'f'),
} as const satisfies Readonly<Record<string, Command>>;

export type CommandId = keyof typeof commandTable;

export const commandIds = Object.keys(commandTable) as CommandId[];

export function commandOf(id: CommandId): Command {
  return commandTable[id];
}
