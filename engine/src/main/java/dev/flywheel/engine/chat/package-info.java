/**
 * Chats to prompts: a model's own template, rendered as transformers renders it, and the ids of what it gives.
 *
 * <p>It may not let what a user wrote become control tokens unless the caller allows it, and may not choose a format that the
 * model's folder does not name.
 */
@NullMarked
package dev.flywheel.engine.chat;

import org.jspecify.annotations.NullMarked;
