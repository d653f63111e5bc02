/** A program that starts boards and goes on living: `node parent.ts LINK HEX`. */
import { startBoards } from '../../../firmware-bridge/emulator/index.ts'

const [link = '', firmware = ''] = process.argv.slice(2)
const { pid } = await startBoards({ boards: [{ name: 'axis', link }], firmware })
process.stdout.write(`${JSON.stringify({ emulator: pid })}\n`)
