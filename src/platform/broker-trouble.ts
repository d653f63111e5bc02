import type { BrokerAddress } from './broker-address.ts'

/** Says in words why a connection to a broker failed or ended, and what to look at. */
export function brokerTrouble(error: Error | undefined, address: BrokerAddress): string {
  const where = `${address.host}:${address.port}`
  if (error === undefined)
    return `the broker at ${where} closed the connection without a word. Does another program use this client id?`
  const code = 'code' in error ? error.code : undefined
  const words = typeof code === 'string' || typeof code === 'number' ? known[code] : undefined
  const detail = words ?? known[error.message] ?? (error.message || String(code ?? error.name))
  return `the broker at ${where}: ${detail}`
}

const untrusted = 'its certificate is not vouched for by a known authority. Name the authority (ca)'

/** Messages of mqtt.js, system codes, return codes of MQTT 3.1.1 (1 to 5) and reason codes of MQTT 5 (128 and above). */
const known: Readonly<Record<string | number, string>> = {
  'Keepalive timeout': 'no sign of life (keepalive timeout). Is it frozen, or the network cut?',
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED). Is the broker running, and is this its port?',
  ECONNRESET: 'the connection was reset (ECONNRESET)',
  EPIPE: 'the connection was reset (EPIPE)',
  ENOTFOUND: 'there is no such host (ENOTFOUND)',
  EAI_AGAIN: 'the host name could not be looked up just now (EAI_AGAIN)',
  ETIMEDOUT: 'no answer (ETIMEDOUT)',
  EHOSTUNREACH: 'no route to the host (EHOSTUNREACH)',
  ENETUNREACH: 'the network cannot be reached (ENETUNREACH)',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired. Is the clock of this machine right?',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet. Is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  2: 'it refused the client id',
  3: 'it is not available just now',
  4: 'it refused the user name or password',
  5: 'it does not let this client in. Check user name, password and its access rules',
  133: 'it refused the client id',
  134: 'it refused the user name or password',
  135: 'it does not let this client in. Check user name, password and its access rules',
  136: 'it is not available just now',
  137: 'it is busy',
  139: 'it is shutting down',
  141: 'it heard nothing for too long',
  142: 'another connection took over the client id. Two programs with one name?',
  149: 'a packet was too large for it'
}
