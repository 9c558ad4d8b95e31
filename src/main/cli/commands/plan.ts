import { freemem, totalmem } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import { judgePlan, longestThatFits, planMemory, segmentsText, withSegments } from '../../../shared/memory-plan.ts';
import type { PlanRequest } from '../../../shared/memory-plan.ts';
import type { BaseBits } from '../../../shared/run-config.ts';
import { cudaReport } from '../../services/cuda/report.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { inspectModel } from '../../services/models.ts';
import { bytes, whole } from '../format.ts';
import { invoke, wholeNumber, withBaseBits, withJson } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { textTable } from '../text-table.ts';

interface PlanFlags extends SharedFlags {
  readonly length?: number;
  readonly memory?: number;
  readonly device: PlanRequest['device'];
  readonly rank: number;
  readonly full?: true;
  readonly checkpointing: PlanRequest['checkpointing'];
  readonly baseBits?: BaseBits;
  readonly segmentLayers: number;
  readonly hostMemory?: number;
}

const LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

/** `longhand plan MODEL`. */
export function planCommand(): Command {
  return withJson(withBaseBits(new Command('plan'), 'own'))
    .description('the memory that a training step needs, part by part, and the longest pair that fits')
    .argument('<model>', 'model folder (Hugging Face)')
    .option(
      '--length <tokens>',
      "tokens of the packed pair, document and both answers (default: the model's context)",
      wholeNumber(1),
    )
    .option('--memory <gib>', "memory in GiB (default: this machine's, or that of the NVIDIA card)", positive)
    .addOption(new Option('--device <device>', 'where to compute').choices(['cpu', 'cuda']).default('cpu'))
    .option('--rank <r>', 'rank of a LoRA adapter on all linear layers', wholeNumber(1), 16)
    .option('--full', 'train all weights instead of an adapter')
    .addOption(
      new Option('--checkpointing <kind>', 'gradient checkpointing').choices(['layer', 'none']).default('layer'),
    )
    .option(
      '--segment-layers <n>',
      'layers in one run of a step; 0 = all, or fewer where they do not fit',
      wholeNumber(0),
      0,
    )
    .option('--host-memory <gib>', "with segments, the computer's memory in GiB (default: what is free)", positive)
    .addHelpText('after', () =>
      [
        '',
        'Predictions for the CPU are within 7% of what was measured on small models; those for CUDA rest on one H100.',
        'Ends with code 8 where the length does not fit.',
        '',
        'Examples:',
        '  longhand plan models/SmolLM2-135M-Instruct --length 8192 --memory 16',
        '  longhand plan models/Mistral-7B --device cuda --length 32768 --memory 80 --json',
      ].join('\n'),
    )
    .action((dir: string, flags: PlanFlags) =>
      invoke(flags, async ({ signal, note, print, json }) => {
        const engine = new EngineClient();
        try {
          const model = await inspectModel(engine, dir, { signal, onNotice: note });
          const asked: PlanRequest = {
            device: flags.device,
            tokens: flags.length ?? model.contextLength,
            trainable:
              flags.full === true
                ? { kind: 'full' }
                : { kind: 'lora', rank: flags.rank, alpha: 2 * flags.rank, rslora: false, targets: [...LINEARS] },
            checkpointing: flags.checkpointing,
            ...(flags.baseBits === undefined ? {} : { baseBits: flags.baseBits }),
            segmentLayers: flags.segmentLayers,
          };
          const memory = flags.memory === undefined ? await memoryOf(flags.device) : flags.memory * 2 ** 30;
          const room = { memory, host: flags.hostMemory === undefined ? freemem() : flags.hostMemory * 2 ** 30 };
          const request = withSegments(model, asked, room);
          const plan = planMemory(model, request);
          const longest = longestThatFits(model, asked, room);
          const { verdict, advice } = judgePlan(model, request, room);
          print(
            [
              textTable(
                [{ header: 'part' }, { header: 'memory', align: 'right' }, { header: 'what it is' }],
                [...plan.parts, { name: 'peak', bytes: plan.peak, about: `of ${bytes(memory)}` }].map((part) => [
                  part.name,
                  bytes(part.bytes),
                  part.about,
                ]),
              ),
              '',
              `${whole(request.tokens)} tokens ${{ fits: 'fit', tight: 'fit tightly', does_not_fit: 'do not fit' }[verdict]} ${segmentsText(plan)}.${advice === null ? '' : ` ${advice}`}`,
              `The longest pair that fits has ${whole(longest)} tokens.`,
              ...(request.tokens > model.contextLength
                ? [`The model was made for ${whole(model.contextLength)} positions: train with a greater --rope-theta.`]
                : []),
            ].join('\n'),
          );
          await json({ ...plan, memory, hostMemory: room.host, verdict, advice, longest });
          if (verdict === 'does_not_fit') {
            throw new UserError(
              'no_memory',
              `A pair of ${whole(request.tokens)} tokens needs about ${bytes(plan.peak)}, but there are ${bytes(memory)}.`,
              { ...(advice === null ? {} : { hint: advice }), place: { field: 'length' } },
            );
          }
        } finally {
          await engine.kill();
        }
      }),
    );
}

function positive(given: string): number {
  const value = Number(given);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

async function memoryOf(device: PlanRequest['device']): Promise<number> {
  if (device === 'cpu') return totalmem();
  const { cards, chosen } = await cudaReport();
  const total = cards.find(({ uuid }) => uuid === chosen)?.memoryTotal ?? null;
  if (total !== null) return total;
  throw new UserError('unavailable', 'There is no NVIDIA card here whose memory could be taken for the plan.', {
    hint: 'Give the memory with --memory, such as --memory 80.',
  });
}
