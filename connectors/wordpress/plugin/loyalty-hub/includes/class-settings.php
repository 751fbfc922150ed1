<?php
/**
 * The settings page, with the test of the connection.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;

/**
 * WooCommerce, Settings, Integration, Loyalty Hub.
 */
final class Settings extends \WC_Integration {

	private const TEST = 'loyalty_hub_test';

	/**
	 * What makes the hub know the shop.
	 */
	private const CONNECTS = array( 'url', 'key', 'connection' );

	/**
	 * WooCommerce makes it when it needs it.
	 */
	public function __construct() {
		$this->id                 = Options::ID;
		$this->method_title       = __( 'Loyalty Hub', 'loyalty-hub' );
		$this->method_description = __( 'Points, tiers and discounts of your own loyalty hub. The shop sends it the basket (articles, prices), the number of the account or the phone that the buyer typed while somebody shops, and the numbers of orders that changed. The hub reads orders with names, phones and addresses by the key that you give it.', 'loyalty-hub' );
		$this->init_form_fields();
		$this->init_settings();
		add_action( 'woocommerce_update_options_integration_' . $this->id, array( $this, 'process_admin_options' ) );
	}

	/**
	 * The form.
	 */
	public function init_form_fields() {
		$this->form_fields = array(
			'enabled'           => array(
				'title'   => __( 'Work', 'loyalty-hub' ),
				'type'    => 'checkbox',
				'label'   => __( 'Ask the hub while somebody shops', 'loyalty-hub' ),
				'default' => 'no',
			),
			'url'               => array(
				'title'       => __( 'Address of the hub', 'loyalty-hub' ),
				'type'        => 'text',
				'placeholder' => 'https://hub.example',
				'default'     => '',
			),
			'pairing'           => array(
				'title'       => __( 'Pairing code', 'loyalty-hub' ),
				'type'        => 'text',
				'description' => __( 'From the page of the connection in the hub\'s console. With it the shop makes a key of its REST API and webhooks, the hub gives a key of its own, and the fields below fill themselves in.', 'loyalty-hub' ),
				'default'     => '',
			),
			'key'               => array(
				'title'       => __( 'API key', 'loyalty-hub' ),
				'type'        => 'password',
				'description' => __( 'In the hub: loyalty-hub keys create --name shop --scopes checkout,events,members', 'loyalty-hub' ),
				'default'     => '',
			),
			'connection'        => array(
				'title'       => __( 'Connection', 'loyalty-hub' ),
				'type'        => 'text',
				'placeholder' => 'i_…',
				'description' => __( 'The id of this shop in the hub, as loyalty-hub installations list shows it. By it the hub knows the accounts of this shop.', 'loyalty-hub' ),
				'default'     => '',
			),
			'secret'            => array(
				'title'       => __( 'Secret of the webhooks', 'loyalty-hub' ),
				'type'        => 'password',
				'description' => __( 'The same as in the hub. With it the plugin tells the hub of changed orders, and tells again what did not arrive.', 'loyalty-hub' ),
				'default'     => '',
			),
			'shop'              => array(
				'title'       => __( 'Code of the shop in the hub', 'loyalty-hub' ),
				'type'        => 'text',
				'placeholder' => 'main',
				'default'     => '',
			),
			'product_points'    => array(
				'title'   => __( 'Product pages', 'loyalty-hub' ),
				'type'    => 'checkbox',
				'label'   => __( 'Show members what points an article brings', 'loyalty-hub' ),
				'default' => 'yes',
			),
			'storefront_events' => array(
				'title'       => __( 'What buyers look at', 'loyalty-hub' ),
				'type'        => 'checkbox',
				'label'       => __( 'Tell the hub which articles buyers look at and put into the cart', 'loyalty-hub' ),
				'description' => __( 'Only of those who agree on the page of points in My Account, and where a consent banner (WP Consent API) says nothing against it.', 'loyalty-hub' ),
				'default'     => 'no',
			),
		);
	}

	/**
	 * Saves the form; a pairing code is used at once and not kept.  Who types another hub, key or
	 * connection connects the shop here.
	 *
	 * @return bool
	 */
	public function process_admin_options() {
		$before = array_map( array( Options::class, 'get' ), self::CONNECTS );
		$saved  = parent::process_admin_options();
		if ( array_map( array( Options::class, 'get' ), self::CONNECTS ) !== $before ) {
			Site::connect();
		}
		$code  = trim( (string) $this->get_option( 'pairing' ) );
		if ( '' === $code ) {
			return $saved;
		}
		$this->update_option( 'pairing', '' );
		list( $well, $text ) = Pairing::pair( Options::get( 'url' ), $code );
		if ( $well ) {
			\WC_Admin_Settings::add_message( $text );
		} else {
			\WC_Admin_Settings::add_error( $text );
		}
		$this->init_settings();
		return $saved;
	}

	/**
	 * The page: the form, what stands against the plugin's work, and the test.
	 */
	public function admin_options() {
		parent::admin_options();
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended -- verified in the next line.
		$asked = isset( $_GET['_wpnonce'] ) ? sanitize_text_field( wp_unslash( $_GET['_wpnonce'] ) ) : '';
		$lines = current_user_can( 'manage_woocommerce' ) && wp_verify_nonce( $asked, self::TEST ) ? self::test() : array();
		foreach ( array_merge( self::obstacles(), $lines ) as $line ) {
			echo '<div class="notice inline notice-' . ( $line[0] ? 'success' : 'error' ) . '"><p>' . esc_html( $line[1] ) . '</p></div>';
		}
		$url = wp_nonce_url( admin_url( 'admin.php?page=wc-settings&tab=integration&section=' . $this->id ), self::TEST );
		echo '<p><a class="button" href="' . esc_url( $url ) . '">' . esc_html__( 'Test the connection', 'loyalty-hub' ) . '</a> ' . esc_html__( 'Tests what is saved.', 'loyalty-hub' ) . '</p>';
	}

	/**
	 * What the plugin cannot work with.
	 *
	 * @return array[] Whether it is well, and a sentence.
	 */
	private static function obstacles(): array {
		$found = array();
		if ( ! wc_coupons_enabled() ) {
			$found[] = array( false, __( 'Coupons are switched off in the general settings of WooCommerce: buyers cannot remove the points that they spend.', 'loyalty-hub' ) );
		}
		if ( 2 !== wc_get_price_decimals() ) {
			$found[] = array( false, __( 'Prices must have two decimals: the hub counts kopecks. Until then the plugin does nothing.', 'loyalty-hub' ) );
		}
		return $found;
	}

	/**
	 * Tests address, key, shop, currency, rights and the door for changes.
	 *
	 * @return array[] Whether it is well, and a sentence.
	 */
	private static function test(): array {
		if ( ! Site::is_the_shop() ) {
			return array( array( false, __( 'Not tested: this site is not where the shop was connected. See the notice above.', 'loyalty-hub' ) ) );
		}
		$hub    = Transport::for_work();
		$basket = new Basket( array( new Line( 'none', 'goods', 0 ) ), get_woocommerce_currency(), Options::get( 'shop' ) ?: null, Basket_Reader::account( get_current_user_id() ), Options::locale() );
		$reply  = $hub->call( 'POST', '/quotes', $basket->body( null, array(), null ) );
		if ( 0 === $reply->status ) {
			return array( array( false, __( 'The hub does not answer within two seconds. Is the address right, and can this server reach it?', 'loyalty-hub' ) ) );
		}
		if ( ! $reply->is_ok() ) {
			return array( array( false, self::refusal( $reply ) ) );
		}
		$lines  = array( array( true, __( 'The hub prices baskets.', 'loyalty-hub' ) ) );
		$member = $hub->call( 'GET', '/members?card=0' );
		if ( ! $member->is_ok() ) {
			$lines[] = array( false, __( 'The key lacks the scope "members": the page of points in My Account stays empty.', 'loyalty-hub' ) . ' ' . self::refusal( $member ) );
		}
		if ( null === Options::system() ) {
			$lines[] = array( false, __( 'The connection is missing or is not an id: buyers are strangers to the hub and cannot spend points.', 'loyalty-hub' ) );
			return $lines;
		}
		if ( '' === Options::get( 'secret' ) ) {
			$lines[] = array( false, __( 'Without the secret the hub hears of orders from WooCommerce\'s own webhooks alone, which are never sent again.', 'loyalty-hub' ) );
			return $lines;
		}
		$door    = $hub->knock( Options::get( 'connection' ), Options::get( 'secret' ), home_url( '/' ) );
		$lines[] = $door->is_ok()
			? array( true, __( 'The hub takes news of orders.', 'loyalty-hub' ) )
			: array( false, __( 'The hub does not take news of orders: connection or secret differ from what the hub has.', 'loyalty-hub' ) . ' ' . self::refusal( $door ) );
		return array_merge( $lines, Pairing::mend() );
	}

	/**
	 * What the hub said.
	 *
	 * @param Core\Reply $reply A refusal.
	 * @return string
	 */
	private static function refusal( Core\Reply $reply ): string {
		$detail = $reply->body['detail'] ?? '';
		return sprintf( '%d %s %s', $reply->status, $reply->code(), is_string( $detail ) ? $detail : '' );
	}
}
