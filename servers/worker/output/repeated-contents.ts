/**
 * Of which handle the small content of another one is, in the journal of a store: a retry that says what
 * the try before it said has a record without a content.
 */
export class RepeatedContents {
  readonly #ownerOf = new Map<string, string>();

  /** By the latest line of the handle: undefined where the content stands in the line itself, or in a file. */
  told(handleId: string, owner: string | undefined): void {
    if (owner !== undefined) this.#ownerOf.set(handleId, owner);
    else if (this.#ownerOf.size > 0) this.#ownerOf.delete(handleId);
  }

  /** The handles whose content is this one's. */
  of(owner: string): string[] {
    return [...this.#ownerOf].flatMap(([id, its]) => (its === owner ? id : []));
  }
}
