<?php
/**
 * The plugin as a whole.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use Automattic\WooCommerce\Utilities\FeaturesUtil;

/**
 * Begins once WooCommerce is there.
 */
final class Plugin {

	/**
	 * Listens for WordPress.
	 */
	public static function start(): void {
		add_action( 'before_woocommerce_init', array( self::class, 'declare_what_it_can' ) );
		add_action( 'woocommerce_loaded', array( self::class, 'listen' ) );
		( new Blocks() )->listen(); // Its action may run before WooCommerce says that it is loaded.
		( new Privacy() )->listen(); // What is kept of people stays here while WooCommerce is switched off.
		add_action( 'admin_notices', array( self::class, 'miss_woocommerce' ) );
		add_action( 'init', array( self::class, 'load_translations' ), 0 );
	}

	/**
	 * Orders in tables of their own, and the checkout of blocks.
	 */
	public static function declare_what_it_can(): void {
		FeaturesUtil::declare_compatibility( 'custom_order_tables', LOYALTY_HUB_FILE, true );
		FeaturesUtil::declare_compatibility( 'cart_checkout_blocks', LOYALTY_HUB_FILE, true );
	}

	/**
	 * Every part listens.
	 */
	public static function listen(): void {
		add_filter( 'woocommerce_integrations', array( self::class, 'add_settings' ) );
		Cart::one()->listen();
		foreach ( array( new Transport(), new Site(), new Coupons(), new Gifts(), new Certificates(), new Orders(), new Queue(), new Choices(), new Classic(), new Earnings(), new Account(), new Offers(), new Happenings() ) as $part ) {
			$part->listen();
		}
	}

	/**
	 * Without WooCommerce there is nothing to do: says so to whoever can put it right.
	 */
	public static function miss_woocommerce(): void {
		if ( ! did_action( 'woocommerce_loaded' ) && current_user_can( 'activate_plugins' ) ) {
			echo '<div class="notice notice-warning"><p>' . esc_html__( 'Loyalty Hub works in WooCommerce alone: install and activate WooCommerce, please.', 'loyalty-hub' ) . '</p></div>';
		}
	}

	/**
	 * The settings page.
	 *
	 * @param array $integrations Classes.
	 * @return array
	 */
	public static function add_settings( $integrations ) {
		require_once __DIR__ . '/class-settings.php';
		$integrations[] = Settings::class;
		return $integrations;
	}

	/**
	 * Russian comes with the plugin.
	 */
	public static function load_translations(): void {
		load_plugin_textdomain( 'loyalty-hub', false, dirname( plugin_basename( LOYALTY_HUB_FILE ) ) . '/languages' );
	}

	/**
	 * The page of points gets its address; WordPress makes its rules anew with the next page.
	 */
	public static function activate(): void {
		delete_option( 'rewrite_rules' );
	}

	/**
	 * Nothing more is sent.
	 */
	public static function deactivate(): void {
		delete_option( 'rewrite_rules' );
		if ( function_exists( 'as_unschedule_all_actions' ) ) {
			as_unschedule_all_actions( Queue::HOOK );
		}
	}
}
