<?php
/**
 * Plugin Name:          Loyalty Hub
 * Description:          Points, tiers and discounts of your own loyalty hub at cart, checkout and account.
 * Version:              0.1.0
 * Requires at least:    6.9
 * Requires PHP:         8.2
 * Requires Plugins:     woocommerce
 * WC requires at least: 10.5
 * WC tested up to:      10.5
 * License:              GPL-2.0-or-later
 * License URI:          https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 * Text Domain:          loyalty-hub
 * Domain Path:          /languages
 *
 * @package LoyaltyHub
 */

defined( 'ABSPATH' ) || exit;

define( 'LOYALTY_HUB_VERSION', '0.1.0' );
define( 'LOYALTY_HUB_FILE', __FILE__ );

foreach ( array( 'money', 'line', 'basket', 'quote', 'allotment', 'reply', 'hub', 'checkout' ) as $loyalty_hub_part ) {
	require_once __DIR__ . '/includes/core/class-' . $loyalty_hub_part . '.php';
}
foreach ( array( 'site', 'options', 'transport', 'basket-reader', 'coupons', 'gifts', 'certificates', 'cart', 'orders', 'queue', 'choices', 'offer', 'classic', 'earnings', 'account', 'offers', 'happenings', 'privacy', 'blocks', 'pairing', 'plugin' ) as $loyalty_hub_part ) {
	require_once __DIR__ . '/includes/class-' . $loyalty_hub_part . '.php';
}

register_activation_hook( __FILE__, array( LoyaltyHub\Plugin::class, 'activate' ) );
register_deactivation_hook( __FILE__, array( LoyaltyHub\Plugin::class, 'deactivate' ) );
LoyaltyHub\Plugin::start();
