package dev.flywheel.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * A store that was written before adapters could be configured.
 *
 * <p>{@code store-of-revision-0.zip} is the folder that commit 77f2911 left after
 *
 * <pre>{@code
 * long epoch = running.createAdapter(ADAPTER);
 * running.commitRound(ADAPTER, 1, epoch, 0, "e1");
 * running.commitRound(ADAPTER, 2, epoch, 1, "e2", "e3");
 * running.client.setAlias(Samples.alias(ADAPTER, "mine", 1, 0));
 * running.client.putManifest(Samples.manifest(ADAPTER, 3, epoch, 2, "e4"));
 * }</pre>
 */
public final class OldStore {

    private OldStore() {}

    /** Puts it into an empty folder. */
    public static void unpack(Path folder) throws IOException {
        try (InputStream packed = OldStore.class.getResourceAsStream("store-of-revision-0.zip");
                ZipInputStream zip = new ZipInputStream(packed)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = folder.resolve(entry.getName());
                Files.createDirectories(file.getParent());
                Files.copy(zip, file);
            }
        }
    }
}
