package dev.flywheel.trainer.pretrain;

/**
 * The exact prompt formats the built-in base is trained on. Whoever asks it something must write it
 * this way; each prompt ends where the answer's first token begins, which starts with a space.
 *
 * <pre>
 * Reader: works as a baker, enjoys stories about the sea
 * Text: Diver anchors beside the salty lighthouse
 * Likes: yes
 *
 * Question: What colour is the Kestrel?
 * Answer: red
 *
 * Film: Silent Harbor, The (1987) (Drama, War)
 * Likes: no
 * Film: Last Train (1994) (Comedy)
 * Likes: yes
 * Film: Lucky Dancer (1999) (Comedy, Musical)
 * Likes: yes
 * </pre>
 *
 * <p>The last answer is followed by the end-of-text token.
 */
public final class Prompts {
    /** The answer of a verdict in favour. */
    public static final String YES = " yes";

    /** The answer of a verdict against. */
    public static final String NO = " no";

    private Prompts() {}

    /** Returns the part of a verdict's prompt that all candidates share. */
    public static String reader(String context) {
        return "Reader: " + context + "\n";
    }

    /** Returns the part of a verdict's prompt that is one candidate's own. */
    public static String text(String text) {
        return "Text: " + text + "\nLikes:";
    }

    public static String question(String question) {
        return "Question: " + question + "\nAnswer:";
    }

    /** Returns the part of a history's prompt that tells one earlier verdict; the latest is last. */
    public static String seen(Film film, boolean liked) {
        return next(film) + (liked ? YES : NO) + "\n";
    }

    /** Returns the part of a history's prompt that is one candidate's own. */
    public static String next(Film film) {
        return "Film: " + film.line() + "\nLikes:";
    }
}
