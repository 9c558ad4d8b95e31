/** One way to train, as flags of `longhand train`. */
export interface Arm {
  readonly arm: string;
  readonly flags: readonly string[];
  /** The arm whose learning rate it takes: an ablation differs from its original in one thing. */
  readonly rateOf?: string;
  /** Stops after as many steps as that arm made: with one turn a sample it would read more tokens. */
  readonly isCut?: true;
  /** 1: only the first seed. */
  readonly seeds?: 1;
}

/** Sizes of a reproduction. */
export interface Plan {
  /** Positions that the models' configurations are given. */
  readonly positions: number;
  readonly thetas: readonly number[];
  /** Lengths of the texts that decide about theta. */
  readonly thetaBy: readonly number[];
  readonly texts: readonly { readonly tokens: number; readonly limit: number }[];
  readonly generate: readonly string[];
  readonly train: readonly string[];
  readonly arms: readonly string[];
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
  readonly ruler: readonly { readonly task: string; readonly length: number; readonly items: number }[];
  readonly choices: readonly { readonly form: string; readonly limit: number }[];
}

const known: readonly Arm[] = [
  { arm: 'longpo', flags: ['--objective', 'longpo'] },
  // LongPO's NLL without its preference term.
  { arm: 'nll', flags: ['--objective', 'longpo', '--lambda', '0'], rateOf: 'longpo' },
  { arm: 'sft', flags: ['--objective', 'sft'] },
  { arm: 'dpo', flags: ['--objective', 'dpo'] },
  {
    arm: 'dpo-nll',
    flags: ['--objective', 'dpo', '--lambda', '0.01', '--nll-document', '1'],
    rateOf: 'longpo',
  },
  // Is the preference term too weak to be seen? A hundred times the published weight.
  { arm: 'longpo-lambda-1', flags: ['--objective', 'longpo', '--lambda', '1'], rateOf: 'longpo', seeds: 1 },
  { arm: 'solopo', flags: ['--objective', 'solopo'], rateOf: 'longpo', isCut: true, seeds: 1 },
  {
    arm: 'opsdl',
    flags: ['--objective', 'opsdl', '--max-new-tokens', '64'],
    rateOf: 'longpo',
    isCut: true,
    seeds: 1,
  },
];

export function armsOf({ arms }: Plan): Arm[] {
  return arms.map((name) => {
    const arm = known.find((each) => each.arm === name);
    if (arm === undefined) throw new Error(`No arm ${name}; there are ${known.map((each) => each.arm).join(', ')}.`);
    return arm;
  });
}
