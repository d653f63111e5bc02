import { registerHooks } from 'node:module'
import { mutants } from './list.ts'
import { plant } from './plant.ts'

/** Given to `node --import` as `loader.ts?mutant=NAME`: plants the mistake in the module that has it, when that is loaded. */
const name = new URL(import.meta.url).searchParams.get('mutant')
const mutant = mutants.find((one) => one.name === name)
if (mutant === undefined) throw new Error(`there is no mutant "${name}"`)
const target = new URL(`../../../${mutant.file}`, import.meta.url).href

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (url !== target || loaded.source == null) return loaded
    const text =
      typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
    return { ...loaded, source: plant(mutant, text) }
  }
})
