/** The face of an MQTT connection that the rest of the code sees: the real one (mqtt-connection.ts) and the simulator's show the same. */

export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  /** Delivered because it was stored, not because somebody just sent it. */
  readonly retain: boolean
}

export interface PublishOptions {
  readonly qos?: 0 | 1
  readonly retain?: boolean
}

export interface BrokerHandlers {
  /** At every (re)connection, before any message; subscriptions are being renewed, nothing sent while offline is repeated. */
  connected?: () => void
  /** At the loss of a connection, and when an attempt fails for another reason than the one before it. Not after `close`. */
  disconnected?: (why: string) => void
  message?: (message: Message) => void
  /** A message above what is ever accepted came, and was dropped unread. */
  oversized?: (topic: string, bytes: number) => void
  /** A subscription that the broker refused: reported once per connection, never a reason to reconnect. */
  refused?: (filter: string, why: string) => void
  /** A publication at QoS 1 that the broker forbade. Brokers that speak MQTT 3.1.1 only never say so. */
  denied?: (topic: string, why: string) => void
}

/** Where a connection begins. Handlers are attached before anything is sent. */
export interface BrokerConnection {
  readonly connected: boolean
  /** Sends now or not at all: false when there is no connection. Nothing is queued to be replayed as if it were fresh. An empty payload with `retain` deletes. */
  publish(topic: string, payload: string, options?: PublishOptions): boolean
  /** Remembered, and renewed at every connection. */
  subscribe(filters: readonly string[]): void
  /** Ends in bounded time, whatever the broker does. */
  close(): Promise<void>
}

export interface Will {
  readonly topic: string
  readonly payload: string
  readonly retain: boolean
}

export interface ConnectOptions {
  /** Stable for agents and Locksmith, fresh for each run of a command. */
  readonly clientId: string
  readonly will?: Will
}

/** Opens a connection and keeps it open, with backoff and jitter, until closed. */
export type ConnectBroker = (options: ConnectOptions, handlers: BrokerHandlers) => BrokerConnection
