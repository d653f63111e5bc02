import { Stage } from './stage.ts'
import type { Story } from './story.ts'

export const HOW_TO_READ = `Time is in seconds. "> " is a message as it is sent, "< " one that is heard late, "| " a lock as it became durable in Locksmith's store,
"# " a log line, "+ " a step that is in a device's journal, "= " why it stands, "~ " a frame to its controller, "* " what somebody says.`

/** Plays a story and returns its transcript, header included. */
export async function record({ name, shows, lookFor, select, play }: Story): Promise<string> {
  const stage = new Stage()
  if (select !== undefined) stage.show(select)
  await play(stage)
  return `${name}\n${shows}\n${lookFor}\n\n${stage.text}`
}
