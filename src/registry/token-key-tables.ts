export interface TokenKeyTables {
  /** The key that tokens are made with, encrypted; one row a version. */
  readonly token_keys: {
    version: number;
    wrapped: string;
    /** Tells the key that encrypts it from others, and says nothing of it. */
    wrapping_check: string;
    /** Likewise of the key itself: it never changes. */
    key_check: string;
    created_ms: number;
    wrapped_ms: number;
    /** Grows with each time that it is encrypted anew. */
    wrapping: number;
  };
}
