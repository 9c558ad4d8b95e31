/** The command that goes on with a run, a generation or an extension plan, ready to be pasted into a shell. */
export function resumeCommand(command: 'train' | 'generate' | 'extend', id: number, workspace: string): string {
  return `longhand ${command} --resume ${id} --workspace ${shellWord(workspace)}`;
}

/** A word as a POSIX shell reads it back: quoted where it holds more than plain characters. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
