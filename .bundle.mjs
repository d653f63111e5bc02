// Builds dist/locksmith.mjs, the form in which devices get it: our code and the pure JavaScript of its packages in a few files.
// serialport stays outside: its native binding is found beside it. The emulator and the demo are for checkouts only.
import { build } from 'esbuild'

await build({
  entryPoints: { locksmith: 'src/cli/main.ts', 'command-keeper': 'src/cli/command-keeper.ts' },
  outdir: process.argv[2] ?? 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['serialport', 'koffi', 'aedes', 'avr8js'],
  // Packages in CommonJS expect a require.
  banner: {
    js: "import { createRequire as bundledRequire } from 'node:module'; const require = bundledRequire(import.meta.url);"
  }
})
