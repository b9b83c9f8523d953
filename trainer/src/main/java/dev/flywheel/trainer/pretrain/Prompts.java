package dev.flywheel.trainer.pretrain;

import java.util.List;

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
 * Liked: Silent Harbor, The (1987) (Drama, War); Last Train (1994) (Comedy)
 * Disliked: Moon of Vienna (2001) (Horror)
 * Next: Lucky Dancer (1999) (Comedy, Musical)
 * Likes: yes
 * </pre>
 *
 * <p>An answer is followed by the end-of-text token. A list without entries reads {@code nothing}.
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

    /** Returns the part of a history's prompt that all candidates share; the latest film is last. */
    public static String history(List<Film> liked, List<Film> disliked) {
        return "Liked: " + list(liked) + "\nDisliked: " + list(disliked) + "\n";
    }

    /** Returns the part of a history's prompt that is one candidate's own. */
    public static String next(Film film) {
        return "Next: " + film.line() + "\nLikes:";
    }

    private static String list(List<Film> films) {
        return films.isEmpty()
                ? "nothing"
                : String.join("; ", films.stream().map(Film::line).toList());
    }
}
