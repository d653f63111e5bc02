/** Where a broker is and as whom to speak to it. */
export interface BrokerAddress {
  readonly protocol: 'mqtt' | 'mqtts'
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
}

/** A broker URL that cannot be used; the message says what is wrong and shows a good one. Never contains a password. */
export class BrokerAddressError extends Error {
  constructor(what: string) {
    super(`${what}. Write it like mqtt://127.0.0.1:1883 or mqtts://user:password@broker.example:8883`)
    this.name = 'BrokerAddressError'
  }
}

const defaultPorts = { mqtt: 1883, mqtts: 8883 } as const

/** @throws BrokerAddressError */
export function parseBrokerAddress(text: string): BrokerAddress {
  const url = URL.parse(text)
  if (url === null) throw new BrokerAddressError('the broker address is no URL')
  const protocol = url.protocol.slice(0, -1)
  if (protocol !== 'mqtt' && protocol !== 'mqtts') {
    throw new BrokerAddressError(`the broker address begins with "${url.protocol}", which is not supported`)
  }
  if (url.hostname === '') throw new BrokerAddressError('the broker address names no host')
  if (url.pathname.length > 1 || url.search !== '' || url.hash !== '') {
    throw new BrokerAddressError('the broker address has something after the port')
  }
  return {
    protocol,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaultPorts[protocol] : Number(url.port),
    ...credentials(url)
  }
}

function credentials(url: URL): { username?: string; password?: string } {
  if (url.username === '') return {}
  try {
    const username = decodeURIComponent(url.username)
    return url.password === '' ? { username } : { username, password: decodeURIComponent(url.password) }
  } catch {
    throw new BrokerAddressError('the user name or password in the broker address has a stray % sign')
  }
}
