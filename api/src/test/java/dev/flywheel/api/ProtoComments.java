package dev.flywheel.api;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads which declarations of a {@code .proto} file have a comment directly above them or behind them. Strict: one declaration
 * a line, and a line that it does not understand is an error.
 */
final class ProtoComments {
    private static final Pattern COMMENT = Pattern.compile("//(.*)");
    private static final Pattern WORD = Pattern.compile("\\p{L}{2}");
    private static final Pattern APART =
            Pattern.compile("|(syntax|package|import|option|reserved)\\b.*;");
    private static final Pattern BLOCK =
            Pattern.compile("(message|enum|service|oneof) (\\w+) \\{(})?");
    private static final Pattern ENTRY = Pattern.compile(
            "(?:rpc (\\w+)\\(.*\\) returns \\(.*\\)|(?:(?:(?:repeated |optional )?[\\w.]+|map<\\w+, [\\w.]+>) )?(\\w+) = \\d+);");

    private final String root;
    private final Map<String, Boolean> commented = new TreeMap<>();
    /** Names of the blocks that are open, innermost first; empty for a oneof, which names nothing inside it. */
    private final Deque<String> open = new ArrayDeque<>();
    private boolean above;

    /** @param root package of the file */
    ProtoComments(String root) {
        this.root = root;
    }

    /** Returns whether each declaration has a comment, by full name. */
    Map<String, Boolean> commented() {
        return commented;
    }

    void read(List<String> lines) {
        lines.forEach(line -> read(line.strip()));
        if (!open.isEmpty()) {
            throw new IllegalArgumentException("ends inside " + open.peek());
        }
    }

    private void read(String line) {
        Matcher comment = COMMENT.matcher(line);
        boolean says = comment.find() && WORD.matcher(comment.group(1)).find();
        String code = comment.reset().replaceFirst("").strip();
        if (code.isEmpty() && !line.isEmpty()) {
            above |= says;
            return;
        }
        boolean own = above || says;
        above = false;
        Matcher block = BLOCK.matcher(code);
        Matcher entry = ENTRY.matcher(code);
        if (block.matches()) {
            declare(block.group(2), own);
            if (block.group(3) == null) {
                open.push(block.group(1).equals("oneof") ? "" : block.group(2));
            }
        } else if (entry.matches()) {
            declare(entry.group(1) == null ? entry.group(2) : entry.group(1), own);
        } else if (code.equals("}")) {
            open.pop();
        } else if (!APART.matcher(code).matches()) {
            throw new IllegalArgumentException(
                    "write one declaration a line, so that each can have its comment: " + line);
        }
    }

    private void declare(String name, boolean own) {
        StringBuilder full = new StringBuilder(root);
        for (Iterator<String> outer = open.descendingIterator(); outer.hasNext();) {
            String each = outer.next();
            full.append(each.isEmpty() ? "" : ".").append(each);
        }
        commented.put(full.append('.').append(name).toString(), own);
    }
}
