import { Stage } from './stage.ts'
import type { Story } from './story.ts'

const COLUMNS = 110

/** Plays a story and returns its transcript, header included. */
export async function record({ name, shows, lookFor, select, play }: Story): Promise<string> {
  const stage = new Stage()
  if (select !== undefined) stage.show(select)
  await play(stage)
  return `${name}\n\n${wrapped(shows)}\n${wrapped(lookFor)}\n\n${stage.text}`
}

function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (longer.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines.join('\n')
}
