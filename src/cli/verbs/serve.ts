import { EXIT } from '../../protocol/errors.ts'
import { asPath, brokerOptions, jsonOption } from '../common-options.ts'
import { asText, durationBetween, optional } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'serve',
  summary: 'Run Locksmith, the lock manager of a fleet',
  usage: '[options]',
  about:
    'Logs JSON lines on stdout. Waits for the broker, however long it takes. The configuration file may set fleet, broker, store, fenceFile, ttl, collector, resources (what can be locked besides aim and safety), and [[policy]] with lock, maxHold, onOrphan, lockDelay, patience, mayLock, slots: the last entry that fits a lock decides, and mayLock of a lock also bars others from every wider lock that covers it. A change of policies and resources is taken over while it runs.',
  options: {
    config: optional({ placeholder: 'FILE', help: 'configuration, TOML' }, asPath),
    store: optional({ placeholder: 'sqlite:FILE', help: 'where grants are kept' }, asText),
    ttl: optional(
      { placeholder: '15s', help: 'lease of every session in the fleet; 15s unless given' },
      durationBetween(300, 600_000)
    ),
    ...brokerOptions,
    ...jsonOption
  },
  examples: ['locksmith serve --store sqlite:/var/lib/locksmith/locksmith.db --ttl 15s'],
  exits: [EXIT.failed, EXIT.badConfig],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, sources, context }) => {
    const { readServeConfig } = await import('../serve-config.ts')
    const { runLocksmith } = await import('../run-locksmith.ts')
    const config = readServeConfig(values.config)
    // The service's own file yields to what was typed for this run, and wins over a user's habits.
    const typed = (option: 'broker' | 'fleet'): boolean =>
      sources[option] === 'flag' || sources[option] === 'environment'
    await runLocksmith({
      file: values.config,
      config,
      broker: typed('broker') ? values.broker : (config.broker ?? values.broker),
      fleet: typed('fleet') ? values.fleet : (config.fleet ?? values.fleet),
      store: values.store ?? config.store,
      ttlMs: values.ttl ?? config.ttl ?? 15_000,
      env: context.env,
      stop: context.stop
    })
    return EXIT.fine
  }
})
