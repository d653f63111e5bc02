import type { Story } from '../stage/story.ts'
import { changes } from './changes.ts'
import { ghosts } from './ghosts.ts'

export const stories: readonly Story[] = [...ghosts, ...changes]
