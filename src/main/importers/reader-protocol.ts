import type { ErrorCode, ErrorPlace } from '../../shared/errors.ts';
import type { ImportProblem, NewDocument } from '../../shared/documents.ts';
import type { TreeMode } from '../../shared/import-kinds.ts';
import type { FoundFile } from './collect-files.ts';
import type { ReadOptions, Source } from './reader.ts';

/** What the reader process does: each task gives a stream of items. */
export interface ReaderTasks {
  /** The files behind files and folders. */
  readonly collect: {
    readonly input: { readonly paths: readonly string[]; readonly tree: TreeMode };
    readonly item: FoundFile;
  };
  /** The documents of one file, and its problems. */
  readonly read: {
    readonly input: { readonly source: Source; readonly options: ReadOptions };
    readonly item: NewDocument | ImportProblem;
  };
}
export type ReaderTask = keyof ReaderTasks;

/** A task starts with `start`; each `items` is answered with `next`, so that at most one message is under way. */
export type ToReader =
  { readonly type: 'start'; readonly task: ReaderTask; readonly input: unknown } | { readonly type: 'next' };

export type FromReader =
  | { readonly type: 'ready' }
  | { readonly type: 'items'; readonly items: readonly unknown[]; readonly last: boolean }
  | {
      readonly type: 'failed';
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | null;
        readonly place: ErrorPlace;
      };
    };
