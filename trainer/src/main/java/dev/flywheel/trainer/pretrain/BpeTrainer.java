package dev.flywheel.trainer.pretrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level byte-pair encoding (Sennrich, Haddow and Birch, arXiv:1508.07909; over bytes as
 * GPT-2 does): starts from the 256 bytes and merges the most frequent pair until the vocabulary is
 * full. Ties go to the pair whose parts were learned earlier, so the result follows from the texts
 * alone.
 *
 * <p>Not thread-safe.
 */
public final class BpeTrainer {
    /** How GPT-2 cuts a text before merging; merges never cross these borders. */
    private static final Pattern WORDS =
            Pattern.compile(
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                    Pattern.UNICODE_CHARACTER_CLASS);

    private static final int BYTES = 256;

    private final SortedMap<String, Integer> wordCounts = new TreeMap<>();
    private final List<int[]> words = new ArrayList<>();
    private final List<Integer> counts = new ArrayList<>();
    private final Map<Long, Integer> pairCounts = new HashMap<>();
    private final Map<Long, Set<Integer>> pairWords = new HashMap<>();
    private final List<String> tokens = new ArrayList<>();

    /** Counts the words of a text. */
    public BpeTrainer add(String text) {
        Matcher matcher = WORDS.matcher(text);
        while (matcher.find()) {
            wordCounts.merge(matcher.group(), 1, Integer::sum);
        }
        return this;
    }

    /** Merges until there are {@code vocabSize} tokens, control tokens included. */
    public BpeVocabulary train(int vocabSize, List<String> controlTokens) {
        int mergesWanted = vocabSize - BYTES - controlTokens.size();
        if (mergesWanted < 0) {
            throw new IllegalArgumentException(
                    "vocabulary size is " + vocabSize + ", at least "
                            + (BYTES + controlTokens.size()) + " are needed for the bytes");
        }
        for (int b = 0; b < BYTES; b++) {
            tokens.add(ByteAlphabet.letter(b));
        }
        wordCounts.forEach(this::addWord);
        List<String[]> learned = new ArrayList<>();
        Set<String> spelled = new HashSet<>(tokens);
        while (learned.size() < mergesWanted) {
            long best = bestPair(spelled);
            String left = tokens.get(left(best));
            String right = tokens.get(right(best));
            learned.add(new String[] {left, right});
            spelled.add(left + right);
            tokens.add(left + right);
            merge(best, tokens.size() - 1);
        }
        return new BpeVocabulary(controlTokens, tokens, learned);
    }

    private void addWord(String word, int count) {
        byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
        int[] symbols = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            symbols[i] = utf8[i] & 0xff;
        }
        words.add(symbols);
        counts.add(count);
        countPairs(words.size() - 1, symbols, count);
    }

    private void countPairs(int word, int[] symbols, int sign) {
        for (int i = 0; i + 1 < symbols.length; i++) {
            long pair = pair(symbols[i], symbols[i + 1]);
            pairCounts.merge(pair, sign, Integer::sum);
            pairWords.computeIfAbsent(pair, p -> new HashSet<>()).add(word);
        }
    }

    private long bestPair(Set<String> spelled) {
        long best = -1;
        int bestCount = 0;
        for (Map.Entry<Long, Integer> entry : pairCounts.entrySet()) {
            int count = entry.getValue();
            long pair = entry.getKey();
            if ((count > bestCount || (count == bestCount && pair < best))
                    && !spelled.contains(tokens.get(left(pair)) + tokens.get(right(pair)))) {
                best = pair;
                bestCount = count;
            }
        }
        if (bestCount == 0) {
            throw new IllegalArgumentException(
                    "the texts have too few different words for the vocabulary size; add texts");
        }
        return best;
    }

    private void merge(long pair, int merged) {
        for (int word : List.copyOf(pairWords.getOrDefault(pair, Set.of()))) {
            int[] old = words.get(word);
            int[] fresh = replaced(old, left(pair), right(pair), merged);
            if (fresh.length < old.length) {
                countPairs(word, old, -counts.get(word));
                countPairs(word, fresh, counts.get(word));
                words.set(word, fresh);
            }
        }
        pairCounts.remove(pair);
        pairWords.remove(pair);
    }

    private static int[] replaced(int[] symbols, int left, int right, int merged) {
        int[] out = new int[symbols.length];
        int length = 0;
        for (int i = 0; i < symbols.length; i++) {
            if (i + 1 < symbols.length && symbols[i] == left && symbols[i + 1] == right) {
                out[length++] = merged;
                i++;
            } else {
                out[length++] = symbols[i];
            }
        }
        return java.util.Arrays.copyOf(out, length);
    }

    private static long pair(int left, int right) {
        return ((long) left << Integer.SIZE) | right;
    }

    private static int left(long pair) {
        return (int) (pair >>> Integer.SIZE);
    }

    private static int right(long pair) {
        return (int) pair;
    }
}
