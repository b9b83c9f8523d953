package dev.flywheel.trainer.pretrain;

import java.util.List;
import java.util.Map;

/**
 * One topic and the words its headlines are made of.
 *
 * @param name one word, such as {@code sea}
 * @param called as a sentence calls it, such as {@code the sea}
 */
public record Topic(
        String name,
        String called,
        List<String> nouns,
        List<String> people,
        List<String> places,
        List<String> deeds,
        List<String> marks) {
    static Topic of(Map<String, List<String>> block) {
        return new Topic(
                WordLists.list(block, "topic").getFirst(),
                WordLists.list(block, "called").getFirst(),
                WordLists.list(block, "nouns"),
                WordLists.list(block, "people"),
                WordLists.list(block, "places"),
                WordLists.list(block, "deeds"),
                WordLists.list(block, "marks"));
    }
}
