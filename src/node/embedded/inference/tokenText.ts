/** What we need of a tokenizer; node-llama-cpp's `LlamaModel` has it. */
export interface Detokenizes {
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
}

const REPLACEMENT = '�';
/** A UTF-8 character has at most four bytes, so a fifth token cannot belong to it: the model wrote invalid bytes. */
const LONGEST_CHARACTER = 4;

/**
 * Turns tokens into text one by one. Most tokens have a text of their own, which is cached for all requests; tokens
 * that are part of a character wait until it is complete. Never detokenizes what came before.
 */
export class TokenText {
  private readonly model: Detokenizes;
  private readonly cache = new Map<number, string>();
  constructor(model: Detokenizes) {
    this.model = model;
  }

  /** The text of a token in the middle of a text: a leading space is kept. Incomplete bytes give U+FFFD. */
  piece(token: number): string {
    let text = this.cache.get(token);
    if (text === undefined) {
      text = this.model.detokenize([token], false, this.before());
      this.cache.set(token, text);
    }
    return text;
  }

  /** As `piece`, with control tokens written out. */
  visible(token: number): string {
    return this.piece(token) || this.model.detokenize([token], true);
  }

  stream(): TokenStream {
    return new TokenStream(this, (tokens) => this.model.detokenize(tokens, false, this.before()));
  }

  /** Any token with text: SentencePiece drops the space before the first token of a text only. */
  private before(): readonly number[] {
    if (this.anchor === undefined)
      for (let token = 3; token < 600 && this.anchor === undefined; token++)
        if (/^\w+$/.test(this.model.detokenize([token], false))) this.anchor = [token];
    return (this.anchor ??= []);
  }
  private anchor: readonly number[] | undefined;
}

export class TokenStream {
  private readonly texts: TokenText;
  private readonly join: (tokens: readonly number[]) => string;
  private pending: number[] = [];
  constructor(texts: TokenText, join: (tokens: readonly number[]) => string) {
    this.texts = texts;
    this.join = join;
  }

  /** The text that this token completes; empty while a character is incomplete. */
  push(token: number): string {
    if (this.pending.length === 0) {
      const piece = this.texts.piece(token);
      if (!piece.includes(REPLACEMENT)) return piece;
    }
    this.pending.push(token);
    const text = this.join(this.pending);
    if (text.endsWith(REPLACEMENT) && this.pending.length < LONGEST_CHARACTER) return '';
    this.pending = [];
    return text;
  }

  flush(): string {
    if (this.pending.length === 0) return '';
    const text = this.join(this.pending);
    this.pending = [];
    return text;
  }
}
