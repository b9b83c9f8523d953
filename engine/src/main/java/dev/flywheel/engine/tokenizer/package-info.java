/**
 * Text to token ids and back, over the Hugging Face tokenizers library.
 *
 * <p>It may not reach the network, cut a text short, or let a user's text turn into control tokens.
 */
@NullMarked
package dev.flywheel.engine.tokenizer;

import org.jspecify.annotations.NullMarked;
