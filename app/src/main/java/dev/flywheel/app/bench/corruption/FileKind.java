package dev.flywheel.app.bench.corruption;

/** The kinds of files that a store has, and why damage to one may change nothing. */
enum FileKind {
    FORMAT("format", "another case or blank reads as the same number"),
    HIGH_WATER("highwater", "there are two marks, and the bytes behind each mean nothing"),
    CURRENT("CURRENT", "it still names the same MANIFEST"),
    MANIFEST("MANIFEST", "what was cut off says only what the rest says too"),
    LOG("write-ahead", "what follows its last record means nothing"),
    TABLE("table", "bytes between its blocks mean nothing"),
    BLOBS("blob file", "bytes that no record refers to, or of a blob that was dropped"),
    OPTIONS("OPTIONS", "nothing is opened by it: the program knows its options"),
    IDENTITY("IDENTITY", "nothing is opened by it"),
    NOTES("notes", "RocksDB's own log is for people"),
    LOCK("LOCK", "it is empty and made again");

    private final String label;
    private final String whyHarmless;

    FileKind(String label, String whyHarmless) {
        this.label = label;
        this.whyHarmless = whyHarmless;
    }

    String label() {
        return label;
    }

    String whyHarmless() {
        return whyHarmless;
    }

    static FileKind of(String file) {
        String name = file.substring(file.lastIndexOf('/') + 1);
        if (name.endsWith(".log")) {
            return LOG;
        }
        if (name.endsWith(".sst")) {
            return TABLE;
        }
        if (name.endsWith(".blob")) {
            return BLOBS;
        }
        if (name.startsWith("MANIFEST")) {
            return MANIFEST;
        }
        if (name.startsWith("OPTIONS")) {
            return OPTIONS;
        }
        return switch (name) {
            case "format" -> FORMAT;
            case "highwater" -> HIGH_WATER;
            case "CURRENT" -> CURRENT;
            case "IDENTITY" -> IDENTITY;
            case "LOCK" -> LOCK;
            default -> NOTES;
        };
    }
}
