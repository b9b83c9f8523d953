package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Member;

/**
 * A fault that was carried out.
 *
 * @param what for a person
 * @param killed whether the member was killed by it
 * @param atMillis when, milliseconds since 1970
 */
record Hit(Member member, String what, boolean killed, long atMillis) {}
