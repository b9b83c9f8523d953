package dev.flywheel.store.core;

/**
 * Bounds on everything that a caller could otherwise make grow (P8).
 *
 * @param adaptersMax adapters in the store
 * @param aliasesMax aliases of one adapter
 * @param openManifestsMax manifests of one adapter without an outcome
 * @param examplesMax examples in one manifest
 * @param manifestBytesMax bytes of one manifest
 * @param blobBytesMax bytes of one blob
 * @param uploadBytesMax bytes of all blobs that are being uploaded
 * @param listMax records in one reply
 * @param watchersMax watches at one time
 * @param watchQueueMax changes that wait for one watcher; a slower one is ended
 * @param commandsMax commands that wait to be committed
 * @param textMax characters of a name, reason or other free text
 */
public record Limits(
        int adaptersMax,
        int aliasesMax,
        int openManifestsMax,
        int examplesMax,
        int manifestBytesMax,
        int blobBytesMax,
        long uploadBytesMax,
        int listMax,
        int watchersMax,
        int watchQueueMax,
        int commandsMax,
        int textMax) {

    public static final Limits DEFAULT = new Limits(100_000, 64, 8, 4_096, 8 << 20, 64 << 20,
            256L << 20, 1_000, 1_024, 4_096, 1_024, 1_024);

    public Limits {
        positive("adaptersMax", adaptersMax);
        positive("aliasesMax", aliasesMax);
        positive("openManifestsMax", openManifestsMax);
        positive("examplesMax", examplesMax);
        positive("manifestBytesMax", manifestBytesMax);
        positive("blobBytesMax", blobBytesMax);
        positive("listMax", listMax);
        positive("watchersMax", watchersMax);
        positive("watchQueueMax", watchQueueMax);
        positive("commandsMax", commandsMax);
        positive("textMax", textMax);
        if (uploadBytesMax < blobBytesMax) {
            throw new IllegalArgumentException("uploadBytesMax must hold at least one blob of "
                    + blobBytesMax + " bytes, was " + uploadBytesMax);
        }
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, was " + value);
        }
    }
}
