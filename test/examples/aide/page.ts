/** Puts the clients of AIDE's document into a page, to be called by name. */
import { io } from 'socket.io-client'
import { experimentAPI, fileAPI } from './client.ts'

Object.assign(globalThis, { io, experimentAPI, fileAPI })
