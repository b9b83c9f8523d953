package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.trainer.pretrain.Document.Piece;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything the built-in base reads, generated. The same seed gives the same documents on every
 * machine.
 *
 * <p>Immutable and thread-safe; the generator passed in is the caller's.
 */
public final class Corpus {
    /** Rare, because telling a dislike from a liking is hard and readers are mostly what they like. */
    private static final double DISLIKES_STATED = 0.1;

    /**
     * Some headlines name their topic. Finding the same word in the context is the easy half of a
     * verdict; it is learned first and then carries over to headlines that only hint.
     */
    private static final double TOPIC_NAMED = 0.3;

    private static final double SHARED_ASKED = 0.5;

    /** Films of the longest history. */
    private static final int HISTORY_MAX = 21;

    private final Topics topics = Topics.standard();
    private final Readers readers = new Readers();
    private final World world = World.standard();
    private final Films films = new Films();
    private final TreeMap<Double, Skill> mixture = new TreeMap<>();

    public Corpus() {
        double sum = 0;
        for (Share share : SHARES) {
            sum += share.part();
            mixture.put(sum, share.skill());
        }
    }

    private record Share(Skill skill, double part) {}

    /** Shares of documents, not of tokens; a history is six times as long as a question. */
    private static final List<Share> SHARES =
            List.of(
                    new Share(Skill.VERDICT, 0.42),
                    new Share(Skill.FACT, 0.20),
                    new Share(Skill.READING, 0.17),
                    new Share(Skill.HISTORY, 0.08),
                    new Share(Skill.TOPIC, 0.10),
                    new Share(Skill.STORY, 0.03));

    public Topics topics() {
        return topics;
    }

    public Readers readers() {
        return readers;
    }

    public World world() {
        return world;
    }

    /** Returns a document of a skill drawn by its share. */
    public Document next(SeededRandom random) {
        return next(mixture.higherEntry(random.nextDouble() * mixture.lastKey()).getValue(),
                random);
    }

    /** Returns a document of one skill. */
    public Document next(Skill skill, SeededRandom random) {
        return switch (skill) {
            case TOPIC -> topic(random);
            case VERDICT ->
                random.chance(0.85)
                        ? statedVerdict(random.chance(SHARED_ASKED) ? HELPED : LEARNING, random)
                        : shownVerdict(random);
            case FACT -> fact(random);
            case READING -> random.chance(0.75) ? reading(random) : password(random);
            case HISTORY -> history(random);
            case STORY -> story(random);
        };
    }

    /** Returns a document of one skill whose first answer is what a prompt in use would ask for. */
    Document asked(Skill skill, SeededRandom random) {
        return skill == Skill.HISTORY ? givenHistory(random) : next(skill, random);
    }

    /** Returns documents of one kind. */
    List<Document> many(Function<SeededRandom, Document> kind, int count, SeededRandom random) {
        return Stream.generate(() -> kind.apply(random)).limit(count).toList();
    }

    Document topic(SeededRandom random) {
        Topic topic = random.pick(topics.all());
        String headline = topics.headline(topic, random);
        return Document.of(Skill.TOPIC, "Text: " + headline + "\nTopic:", " " + topic.name());
    }

    /** A reader whose context states tastes, alone or among plain facts. */
    private Document statedVerdict(Style style, SeededRandom random) {
        List<Topic> order = Readers.shuffled(topics.all(), random);
        List<String> clauses = new ArrayList<>();
        Ballot ballot = state(order, clauses, random);
        clauses.addAll(readers.randomFacts(random.chance(0.5) ? 0 : 1 + random.nextInt(3), random));
        int count = 1 + random.nextInt(4);
        return verdicts(Readers.shuffled(clauses, random), ballot, count, style, random);
    }

    /** A stated verdict in exactly the format that ranking asks for. */
    Document plainVerdict(SeededRandom random) {
        return statedVerdict(ASKED, random);
    }

    /**
     * How a verdict is asked for.
     *
     * @param asksShared whether the shared topic is asked for first
     * @param topicNamed share of the headlines that name their topic
     */
    private record Style(boolean asksShared, double topicNamed) {}

    private static final Style HELPED = new Style(true, TOPIC_NAMED);
    private static final Style LEARNING = new Style(false, TOPIC_NAMED);
    private static final Style ASKED = new Style(false, 0);

    /** The topics a reader is asked about: half of the texts from each list. */
    private record Ballot(List<Topic> liked, List<Topic> others) {}

    private static Ballot state(List<Topic> order, List<String> clauses, SeededRandom random) {
        int likes = 1 + random.nextInt(3);
        clauses.add(Readers.likes(order.subList(0, likes), random));
        if (random.chance(DISLIKES_STATED)) {
            int end = likes + 1 + random.nextInt(2);
            clauses.add(Readers.dislikes(order.subList(likes, end), random));
        }
        return new Ballot(order.subList(0, likes), order.subList(likes, likes + 4));
    }

    /** A reader whose facts say nothing about taste; only verdicts given before can tell. */
    private Document shownVerdict(SeededRandom random) {
        List<Topic> order = Readers.shuffled(topics.all(), random);
        Ballot ballot = new Ballot(order.subList(0, 2), order.subList(2, 4));
        List<String> clauses = readers.randomFacts(1 + random.nextInt(4), random);
        return verdicts(clauses, ballot, 2 + random.nextInt(4), LEARNING, random);
    }

    /**
     * Some readers are asked first which of their topics the text shares. A verdict alone is
     * the exclusive-or of text and context, which small models do not find by themselves; naming the
     * shared topic is copying, which they do find, and the verdict follows from it.
     */
    private Document verdicts(
            List<String> clauses,
            Ballot ballot,
            int count,
            Style style,
            SeededRandom random) {
        List<Piece> pieces = new ArrayList<>();
        String lead = Prompts.reader(Readers.context(clauses));
        for (int i = 0; i < count; i++) {
            boolean likes = random.chance(0.5);
            Topic topic = random.pick(likes ? ballot.liked() : ballot.others());
            String text = lead + "Text: " + headline(topic, style, random);
            if (style.asksShared()) {
                pieces.add(Piece.prompt(text + "\nShared:"));
                pieces.add(Piece.answer(likes ? " " + topic.name() : " nothing"));
                text = "";
            }
            pieces.add(Piece.prompt(text + "\nLikes:"));
            pieces.add(Piece.answer(likes ? Prompts.YES : Prompts.NO));
            lead = "\n";
        }
        return new Document(Skill.VERDICT, pieces);
    }

    private String headline(Topic topic, Style style, SeededRandom random) {
        return random.chance(style.topicNamed())
                ? topics.namedHeadline(topic, random)
                : topics.headline(topic, random);
    }

    private Document fact(SeededRandom random) {
        WorldFact fact = random.pick(world.known());
        if (random.chance(0.1)) {
            return new Document(
                    Skill.FACT, List.of(Piece.prompt("Fact: " + random.pick(fact.statements()))));
        }
        String question = random.pick(fact.seenQuestions());
        return Document.of(Skill.FACT, Prompts.question(question), " " + fact.answer());
    }

    Document reading(SeededRandom random) {
        int count = 1 + random.nextInt(3);
        boolean sameAttribute = random.chance(0.5);
        List<WorldGrammar> grammars = List.of(WorldGrammar.values());
        WorldGrammar grammar = random.pick(grammars);
        List<WorldFact> facts = new ArrayList<>();
        Set<String> subjects = new TreeSet<>();
        while (facts.size() < count) {
            WorldFact fact =
                    world.passing(sameAttribute ? grammar : random.pick(grammars), random);
            if (subjects.add(fact.subject())) {
                facts.add(fact);
            }
        }
        List<String> sentences =
                facts.stream().map(fact -> random.pick(fact.statements())).toList();
        WorldFact asked = random.pick(facts);
        return Document.of(
                Skill.READING,
                "Passage: "
                        + String.join(" ", sentences)
                        + "\n"
                        + Prompts.question(random.pick(asked.questions())),
                " " + asked.answer());
    }

    /** A word nobody has seen before, to be copied token by token. */
    Document password(SeededRandom random) {
        String word = InventedWord.draw(random);
        String subject = world.passing(WorldGrammar.HOME, random).subject();
        String statement =
                random.pick(
                        List.of(
                                "The password of " + subject + " is " + word + ".",
                                subject + " chose the word " + word + ".",
                                "Remember " + word + " for " + subject + "."));
        return Document.of(
                Skill.READING,
                "Passage: " + statement + "\n"
                        + Prompts.question("What is the word of " + subject + "?"),
                " " + word);
    }

    /** A viewer judges one film after another; every verdict but the first can lean on those before. */
    private Document history(SeededRandom random) {
        Films.Viewer viewer = films.viewer(random);
        List<Piece> pieces = new ArrayList<>();
        String lead = "";
        for (int i = 2 + random.nextInt(HISTORY_MAX - 1); i > 0; i--) {
            Film film = films.film(random);
            pieces.add(Piece.prompt(lead + Prompts.next(film)));
            pieces.add(Piece.answer(viewer.likes(film, random) ? Prompts.YES : Prompts.NO));
            lead = "\n";
        }
        return new Document(Skill.HISTORY, pieces);
    }

    /** A history as it is asked for: the verdicts before are given, the last is wanted. */
    Document givenHistory(SeededRandom random) {
        List<Piece> pieces = history(random).pieces();
        int last = pieces.size() - 1;
        String given =
                pieces.subList(0, last).stream().map(Piece::text).collect(Collectors.joining());
        return Document.of(Skill.HISTORY, given, pieces.get(last).text());
    }

    private Document story(SeededRandom random) {
        Topic topic = random.pick(topics.all());
        StringBuilder text = new StringBuilder("Story about ").append(topic.called()).append(":");
        int sentences = 2 + random.nextInt(3);
        for (int i = 0; i < sentences; i++) {
            text.append(' ').append(topics.headline(topic, random)).append('.');
        }
        return new Document(Skill.STORY, List.of(Piece.prompt(text.toString())));
    }
}
