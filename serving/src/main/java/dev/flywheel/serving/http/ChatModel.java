package dev.flywheel.serving.http;

import dev.flywheel.engine.chat.ChatTemplates;

/**
 * The base model as clients of chats know it.
 *
 * @param name what they call the bare base
 */
public record ChatModel(String name, ChatTemplates templates) {}
