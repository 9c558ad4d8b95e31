/** Saves checkpoints of steps 1, 2, 3, ... into a folder until it is killed (checkpoints.test.ts). */
import { CheckpointFolder } from '../../../../src/main/engine/training/checkpoints.ts';
import { largeSnapshot, largeSetup } from './large-checkpoint.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Usage: checkpoint-child.ts FOLDER');
const checkpoints = new CheckpointFolder(folder, largeSetup());
for (let step = 1; ; step += 1) {
  await checkpoints.save(largeSnapshot(step));
  console.log(step);
}
