// Plain JavaScript on purpose: this must run, and speak, on a Node that cannot run the rest.
const wanted = 24
const [major, minor] = process.versions.node.split('.').map(Number)
const brokenSerial = major === 26 && minor >= 4 && minor <= 10
if (major < wanted || brokenSerial) {
  const why = brokenSerial
    ? `serialport stalls on Node 26.4 to 26.10`
    : `Locksmith needs Node ${wanted} or newer`
  console.error(
    `LK-0001 ${why}, and this is Node ${process.versions.node}.\n` +
      `The repository brings its own Node as a dev dependency. It is missing, or its install script was blocked.\n` +
      `Run: npm ci   (without --ignore-scripts and without --omit=dev), then start again with npm.`
  )
  process.exit(1)
}
