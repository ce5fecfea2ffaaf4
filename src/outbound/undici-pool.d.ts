/**
 * The pool alone: undici's index loads ninety files more, of fetch, caches and mocks. The package restricts no
 * path and has no types for this one; its version is pinned.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici'

  export default Pool
}
