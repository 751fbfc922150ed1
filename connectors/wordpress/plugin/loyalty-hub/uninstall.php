<?php
/**
 * What the plugin leaves behind when it is deleted: nothing but the meta of orders, which the hub and
 * the shop's books still need.
 *
 * @package LoyaltyHub
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

// What pairing made: the key of the REST API and the webhooks.  Who never paired may have no such tables.
$loyalty_hub_paired = (array) get_option( 'loyalty_hub_paired', array() );
if ( isset( $loyalty_hub_paired['key'] ) ) {
	$GLOBALS['wpdb']->delete( $GLOBALS['wpdb']->prefix . 'woocommerce_api_keys', array( 'key_id' => (int) $loyalty_hub_paired['key'] ), array( '%d' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
}
if ( isset( $loyalty_hub_paired['door'] ) ) {
	$GLOBALS['wpdb']->delete( $GLOBALS['wpdb']->prefix . 'wc_webhooks', array( 'delivery_url' => (string) $loyalty_hub_paired['door'] ), array( '%s' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
}
delete_option( 'loyalty_hub_paired' );
delete_option( 'woocommerce_loyalty_hub_settings' );
delete_option( 'loyalty_hub_number' );
delete_option( 'loyalty_hub_addresses' );
delete_transient( 'loyalty_hub_away' );
delete_transient( 'loyalty_hub_silent' );
delete_metadata( 'user', 0, 'loyalty_hub_member', '', true );
delete_metadata( 'user', 0, 'loyalty_hub_watch', '', true );
delete_metadata( 'user', 0, 'loyalty_hub_available', '', true );
delete_metadata( 'user', 0, 'loyalty_hub_pending', '', true );

// The offers for accounts that were kept for a while.
$GLOBALS['wpdb']->query( // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	"DELETE FROM {$GLOBALS['wpdb']->options} WHERE option_name LIKE '\\_transient\\_loyalty\\_hub\\_%' OR option_name LIKE '\\_transient\\_timeout\\_loyalty\\_hub\\_%'"
);
if ( function_exists( 'as_unschedule_all_actions' ) ) {
	as_unschedule_all_actions( 'loyalty_hub_message' );
}
