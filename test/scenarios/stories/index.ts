import type { Story } from '../stage/story.ts'
import { changes } from './changes.ts'
import { contact } from './contact.ts'
import { ghosts } from './ghosts.ts'
import { pushes } from './pushes.ts'
import { queue } from './queue.ts'
import { restarts } from './restarts.ts'

export const stories: readonly Story[] = [...ghosts, ...changes, ...restarts, ...queue, ...contact, ...pushes]
