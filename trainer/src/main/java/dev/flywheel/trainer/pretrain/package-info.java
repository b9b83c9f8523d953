/**
 * The built-in base: the invented language it learns, its tokenizer, and the loop that trains it.
 *
 * <p>Texts are generated from word lists of our own and a seed; no outside data is used. It may not
 * know of rounds, adapters or feedback: what it makes is an ordinary Hugging Face folder.
 *
 * <p>The formats the base knows are in {@link dev.flywheel.trainer.pretrain.Prompts}: a verdict on a
 * text for a reader, a question, and a verdict on a film after a history of likes and dislikes.
 */
@NullMarked
package dev.flywheel.trainer.pretrain;

import org.jspecify.annotations.NullMarked;
