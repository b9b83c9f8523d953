/** What serving does under load: batches, many adapters, swaps, more than there is room for. */
@org.jspecify.annotations.NullMarked
package dev.flywheel.app.bench.serving;
