/** Whether a topic matches a filter with `+` for one level. */
export function matches(filter: string, topic: string): boolean {
  if (!filter.includes('+')) return filter === topic
  const [wanted, levels] = [filter.split('/'), topic.split('/')]
  return wanted.length === levels.length && wanted.every((level, at) => level === '+' || level === levels[at])
}
