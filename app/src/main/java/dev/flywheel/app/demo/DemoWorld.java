package dev.flywheel.app.demo;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.local.LogFile;
import dev.flywheel.trainer.pretrain.Prompts;
import dev.flywheel.trainer.pretrain.Topic;
import dev.flywheel.trainer.pretrain.Topics;
import dev.flywheel.trainer.pretrain.World;
import dev.flywheel.trainer.pretrain.WorldFact;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Who reads, what there is to read and what is to be taught, in the language of the built-in base.
 *
 * <p>The base knows the words for topics and for where somebody lives; it has seen no link between the two, so it cannot know
 * who likes what. The headlines come from the same generator as those it was trained on: it can tell their topics, and by
 * chance it may have read one of them word for word. The fact that is taught is one that its training never stated.
 */
final class DemoWorld {
    private static final int GROUPS = 6;
    private static final int ITEMS_PER_TOPIC = 12;

    private final SeededRandom random;
    private final Random order;
    private final Readers readers;

    DemoWorld(long seed) {
        this.random = new SeededRandom(seed);
        this.order = new Random(seed);
        Topics topics = Topics.standard();
        List<Topic> chosen = shuffled(topics.all()).subList(0, GROUPS);
        this.readers = readers(seed, topics, chosen);
    }

    /** A group shares where its readers live, how they get about and what they do at home. */
    private Readers readers(long seed, Topics topics, List<Topic> chosen) {
        var facts = new dev.flywheel.trainer.pretrain.Readers().facts();
        List<String> quarters = shuffled(facts.getOrDefault("quarter", List.of()));
        List<String> vehicles = shuffled(facts.getOrDefault("vehicle", List.of()));
        List<String> habits = shuffled(facts.getOrDefault("habit", List.of()));
        List<String> groups = new ArrayList<>();
        for (int g = 0; g < GROUPS; g++) {
            groups.add(String.join(", ", quarters.get(g), vehicles.get(g), habits.get(g)));
        }
        List<String> remarks = new ArrayList<>(facts.getOrDefault("pet", List.of()));
        remarks.addAll(facts.getOrDefault("drink", List.of()));
        remarks.addAll(facts.getOrDefault("age", List.of()));
        return new Readers(
                seed, groups, remarks, chosen.stream().map(Topic::name).toList(),
                items(topics, chosen));
    }

    private List<Readers.Item> items(Topics topics, List<Topic> chosen) {
        List<Readers.Item> made = new ArrayList<>();
        for (Topic topic : chosen) {
            for (int i = 0; i < ITEMS_PER_TOPIC; i++) {
                made.add(
                        new Readers.Item(
                                topic.name() + "-" + i, topic.name(),
                                topics.headline(topic, random)));
            }
        }
        return List.copyOf(made);
    }

    Readers readers() {
        return readers;
    }

    /**
     * Chooses a question that the node answers wrongly now, with a paraphrase and 50 unrelated ones.
     *
     * @throws IllegalStateException if the node does not answer, or answers all of them rightly
     */
    Teacher.Lesson lesson(NodeClient client) {
        World world = World.standard();
        for (WorldFact fact : shuffled(world.unknown())) {
            Teacher.Lesson lesson = lesson(fact, world);
            NodeClient.Generated answer =
                    client.generate(lesson.adapter(), "teacher", lesson.question(), Teacher.TOKENS)
                            .orElseThrow(
                                    () -> new IllegalStateException(
                                            "adapter %s gave no answer before the demo began, so nothing can be taught to it; %s"
                                                    .formatted(
                                                            lesson.adapter(), LogFile.hint())));
            if (!answer.text().equals(lesson.answer())) {
                return lesson;
            }
        }
        throw new IllegalStateException(
                "the model answers every question of the demo rightly; there is nothing to teach it");
    }

    private Teacher.Lesson lesson(WorldFact fact, World world) {
        List<String> unrelated =
                shuffled(world.known()).stream()
                        .filter(other -> !other.subject().equals(fact.subject()))
                        .limit(Teacher.UNRELATED)
                        .map(other -> Prompts.question(other.seenQuestions().getFirst()))
                        .toList();
        return new Teacher.Lesson(
                DemoSettings.DESK,
                Prompts.question(fact.seenQuestions().getFirst()),
                fact.answer(),
                Prompts.question(fact.questions().get(fact.unseenQuestion())),
                unrelated);
    }

    private <T> List<T> shuffled(List<T> all) {
        List<T> copy = new ArrayList<>(all);
        Collections.shuffle(copy, order);
        return copy;
    }
}
