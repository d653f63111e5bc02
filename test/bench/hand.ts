import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { openBenchSession } from './locksmith.ts'
import { Scope } from './scope.ts'

/**
 * Takes a lock at the word `take LOCK` and releases it at `give`: a process of its own, so that the work of a session does
 * not disturb the clock of the bench. Arguments: broker URL, topic of the words.
 */
const [url = '', words = ''] = process.argv.slice(2)
const session = await openBenchSession(new Scope(), url, 'operator')
let release = async (): Promise<void> => {}
let done = Promise.resolve()

async function act(word: string): Promise<void> {
  const [action, lock = ''] = word.split(' ')
  if (action === 'give') return release()
  const grant = await session.acquire({ locks: [lock], wait: true })
  release = () => grant.release()
}

connectBroker(url)(
  { clientId: 'bench-hand' },
  {
    connected: () => process.stdout.write('ready\n'),
    message: ({ payload }) => {
      const word = Buffer.from(payload).toString()
      done = done.then(() => act(word))
    }
  }
).subscribe([words])
