package dev.flywheel.serving.adapter;

import dev.flywheel.api.v1.AdapterRecord;
import java.util.SortedMap;

/**
 * An adapter as this node has heard of it.
 *
 * @param aliases by name, what each points to
 */
public record ServedAdapter(AdapterRecord record, SortedMap<String, Target> aliases) {

    /** A version; {@code digest} is empty where this node does not know it. */
    public record Target(long number, String digest) {}
}
