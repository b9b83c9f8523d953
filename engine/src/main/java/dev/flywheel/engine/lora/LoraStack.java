package dev.flywheel.engine.lora;

import dev.flywheel.engine.backend.Buffer;

/**
 * All slots' adapters of one module.
 *
 * @param a [slots, rankMax, in], unused ranks zero
 * @param b [slots, out, rankMax]
 * @param scales [slots]
 * @param present [slots], whether the slot's adapter applies to this module; an element is written only
 *     while its slot is not in use, so no lock is needed to read it
 */
record LoraStack(Buffer a, Buffer b, Buffer scales, boolean[] present, int in, int out) {
    void close() {
        a.close();
        b.close();
        scales.close();
    }
}
